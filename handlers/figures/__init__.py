"""The pictures of a report. Only the worker that writes reports imports this: it loads matplotlib."""
