-- Keeps transactions.amount: the largest principal amount of its movements, unsigned; 0 if none.
-- Statement-level: one pass over the changed movements, however many rows a statement touches.
-- It updates nothing where the figure already stands, so a bulk load that brings it pays no write.
-- Of two sessions that change one transaction's movements at once, the second waits for the first
-- and then looks again: the lock and the look are two statements, so the look has a later snapshot.
-- Transactions of one's own transaction nobody else sees; they need no lock.
CREATE FUNCTION transaction_amount_v1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  touched bigint[];
BEGIN
  IF TG_OP = 'UPDATE' THEN  -- a movement can be given to another transaction: both are touched
    touched := ARRAY(SELECT transaction_id FROM changed UNION SELECT transaction_id FROM before);
  ELSE
    touched := ARRAY(SELECT DISTINCT transaction_id FROM changed);
  END IF;
  PERFORM FROM transactions t
    WHERE t.id = ANY (touched) AND t.xmin <> pg_current_xact_id()::xid
    ORDER BY t.id FOR NO KEY UPDATE;
  UPDATE transactions t
     SET amount = fresh.amount
    FROM (SELECT c.transaction_id,
                 coalesce(max(abs(m.amount)) FILTER (WHERE m.kind = 'principal'), 0) AS amount
            FROM unnest(touched) AS c (transaction_id)
            LEFT JOIN movements m ON m.transaction_id = c.transaction_id
           GROUP BY c.transaction_id) fresh
   WHERE t.id = fresh.transaction_id AND t.amount <> fresh.amount;
  RETURN NULL;
END $$;

CREATE TRIGGER transaction_amount_insert AFTER INSERT ON movements
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION transaction_amount_v1();
CREATE TRIGGER transaction_amount_update AFTER UPDATE ON movements
  REFERENCING OLD TABLE AS before NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION transaction_amount_v1();
CREATE TRIGGER transaction_amount_delete AFTER DELETE ON movements
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION transaction_amount_v1();
