"""A text to rows of text cells: cut into blocks of whole records, each read by pyarrow, each row with its line."""
