"""Views: parse, fetch, page, template. No SQL and no rules."""
