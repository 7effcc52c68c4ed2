"""Students: found, loaded, adapted, run, and made where a suite embeds its own."""
