"""The only code that touches files and databases. It keeps and finds; it decides nothing."""
