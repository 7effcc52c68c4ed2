"""Tables, pages, pictures and cards."""
