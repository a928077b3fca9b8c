"""What to do when something has happened: plain synchronous functions, free of HTTP, watchdog and asyncio."""
