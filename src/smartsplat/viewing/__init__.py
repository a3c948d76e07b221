"""Pictures in a browser: a local server with a viewer, and pages that bring everything with them."""
