-- Make again what aside.sql put aside. The foreign keys come last, and look at every row.
SELECT back FROM aside WHERE turn IN (2, 3) ORDER BY turn, name \gexec
SET LOCAL default_statistics_target = 10;
ANALYZE transactions, movements, transaction_labels, transaction_notes, import_rows;
SELECT back FROM aside WHERE turn = 1 ORDER BY name \gexec
SELECT back FROM aside WHERE turn = 4 ORDER BY name \gexec
SELECT told FROM aside WHERE commented ORDER BY turn, name \gexec
