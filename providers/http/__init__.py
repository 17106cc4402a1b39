"""Our own HTTP/1.1 client: little per request, one wake-up per read, and honest about every end."""
