"""Side-by-side measurements with other servers. See benchmarks/README.md; nothing in the program imports this."""
