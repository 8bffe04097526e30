-- Make room for the next part.
TRUNCATE staged_rows, staged_movements, staged_assets, staged_known, staged_outcomes;
