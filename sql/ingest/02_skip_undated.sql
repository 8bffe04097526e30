-- What still has no time cannot have a place in the ledger.
UPDATE staged_rows
   SET outcome = 'skipped',
       reason = 'the row has no time and its transaction is not in this wallet yet; '
             || 'import the file with the transactions first, then this one again'
 WHERE occurred_at IS NULL AND outcome IS NULL;
