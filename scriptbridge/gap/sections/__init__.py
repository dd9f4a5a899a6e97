"""The sections of the page: each function gives the HTML of one, or nothing where there is nothing to say."""
