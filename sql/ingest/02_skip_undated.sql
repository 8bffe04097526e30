-- What still has no time cannot have a place in the ledger; nor what lies beyond its calendar.
UPDATE staged_rows
   SET outcome = CASE WHEN occurred_at IS NULL THEN 'skipped' ELSE 'rejected' END::row_outcome,
       reason = CASE WHEN occurred_at IS NULL
                     THEN 'the row has no time and its transaction is not in this wallet yet; '
                       || 'import the file with the transactions first, then this one again'
                     ELSE 'the year lies outside 2 to 9998; correct the date' END
 WHERE outcome IS NULL
   AND (occurred_at IS NULL
     OR occurred_at < timestamptz '0002-01-01 UTC' OR occurred_at >= timestamptz '9999-01-01 UTC');
