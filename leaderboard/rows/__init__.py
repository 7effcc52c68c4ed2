"""Records made into rows: ranked, audited, with what else is known of them."""
