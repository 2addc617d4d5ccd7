"""Pages: each takes where things lie and how to go on, and draws itself with components and services."""
