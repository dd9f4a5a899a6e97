"""What scriptbridge finds and what it costs, measured on public data beside today's practice."""
