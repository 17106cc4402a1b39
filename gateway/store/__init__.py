"""The tables, the database file, its migrations, and one file per aggregate."""
