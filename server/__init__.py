"""HTTP: the API and the pages. It never imports the daemon."""
