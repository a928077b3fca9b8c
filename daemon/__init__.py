"""The process: life cycle, watching, the queue, the workers, the command line."""
