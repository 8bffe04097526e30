-- Keeps transaction_notes: a narrow copy of each note that is not empty, for searching; in lower
-- case, so that it is not folded at each comparison. The note itself is the transaction's. Its time
-- and its end follow by the foreign key.
CREATE FUNCTION transaction_note_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO transaction_notes (transaction_id, occurred_at, note)
    SELECT id, occurred_at, lower(note) FROM changed WHERE note <> '';
  ELSIF NEW.note = '' THEN
    DELETE FROM transaction_notes WHERE transaction_id = NEW.id;
  ELSE
    INSERT INTO transaction_notes (transaction_id, occurred_at, note)
    VALUES (NEW.id, NEW.occurred_at, lower(NEW.note))
    ON CONFLICT (transaction_id) DO UPDATE
      SET occurred_at = excluded.occurred_at, note = excluded.note;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER transaction_note_insert AFTER INSERT ON transactions
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION transaction_note_v1();
CREATE TRIGGER transaction_note_update AFTER UPDATE ON transactions
  FOR EACH ROW WHEN (OLD.note <> NEW.note) EXECUTE FUNCTION transaction_note_v1();
