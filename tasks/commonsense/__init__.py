"""A commonsense world with exact rules: events, seven relations, a loose teacher."""
