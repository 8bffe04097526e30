-- Keeps transactions.amount: the largest principal amount of its movements, unsigned; 0 if none.
-- Statement-level: one pass over the changed movements, however many rows a statement touches.
-- It updates nothing where the figure already stands, so a bulk load that brings it pays no write.
CREATE FUNCTION transaction_amount_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE transactions t
     SET amount = fresh.amount
    FROM (SELECT c.transaction_id,
                 coalesce(max(abs(m.amount)) FILTER (WHERE m.kind = 'principal'), 0) AS amount
            FROM (SELECT DISTINCT transaction_id FROM changed) c
            LEFT JOIN movements m ON m.transaction_id = c.transaction_id
           GROUP BY c.transaction_id) fresh
   WHERE t.id = fresh.transaction_id AND t.amount <> fresh.amount;
  RETURN NULL;
END $$;

CREATE TRIGGER transaction_amount_insert AFTER INSERT ON movements
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION transaction_amount_v1();
CREATE TRIGGER transaction_amount_update AFTER UPDATE ON movements
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION transaction_amount_v1();
CREATE TRIGGER transaction_amount_delete AFTER DELETE ON movements
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION transaction_amount_v1();
