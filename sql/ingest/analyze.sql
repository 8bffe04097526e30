-- Tell the planner what the waiting rows have become; else it takes them for what they were.
ANALYZE staged_rows;
