-- The change log: every insert, update and delete of a ledger's table appends to `changes`, in the
-- writer's own transaction and whoever the writer is.
-- Statement-level: one INSERT … SELECT from the transition tables, however many rows a statement
-- touches. Nothing is shared between writers: no NOTIFY, no counter row, so nobody waits.
--
-- An inserted row is logged without its image: it stands in the table, or in `before` of the next
-- change to it. An update is logged as the columns that it changed, a delete as the whole row.
-- An update that changes a row's key is the delete of one row and the insert of another.
--
-- The functions run as their owner, so who may write a table need not, and should not, be allowed
-- to write the log. The triggers fire ALWAYS: session_replication_role does not silence them.

-- Whose edit this is: who the application says it is (SET LOCAL freshledger.who), else the role.
CREATE FUNCTION change_author_v1() RETURNS text LANGUAGE sql STABLE
  RETURN coalesce(nullif(current_setting('freshledger.who', true), ''), session_user::text);

-- Log a table. `id` is the expression, of its row r, of the id that a history is asked for by: the
-- row's own, or that of the transaction, wallet, contact or import that it is a part of; `part` is
-- the rest of its key, '' where the id is the whole.
-- An update's images are cut to what it changed by the list of columns that stayed the same; a
-- column that is added to the table later stays in both until the table is logged anew.
CREATE FUNCTION log_changes_v1(target regclass, id text, part text) RETURNS void
LANGUAGE plpgsql AS $outer$
DECLARE
  place text := quote_ident(current_schema());
  name text := 'log_' || target::text || '_v1';
  same text := (SELECT string_agg(format('CASE WHEN o.%1$I IS NOT DISTINCT FROM n.%1$I THEN %1$L END',
                                         attname), ', ' ORDER BY attnum)
                  FROM pg_attribute
                 WHERE attrelid = target AND attnum > 0 AND NOT attisdropped);
  old_id text := replace(id, 'r.', 'o.');
  new_id text := replace(id, 'r.', 'n.');
  old_part text := replace(part, 'r.', 'o.');
  new_part text := replace(part, 'r.', 'n.');
BEGIN
  EXECUTE format($make$
    CREATE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, %2$s, pg_temp AS $body$
    DECLARE
      xid CONSTANT xid8 := pg_current_xact_id();
      at CONSTANT timestamptz := clock_timestamp();
      who CONSTANT text := change_author_v1();
    BEGIN
      IF TG_OP = 'INSERT' THEN
        INSERT INTO changes (xid, at, who, relation, op, id, part)
        SELECT xid, at, who, TG_TABLE_NAME, 'insert', %4$s, %5$s FROM changed r;
      ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO changes (xid, at, who, relation, op, id, part, before)
        SELECT xid, at, who, TG_TABLE_NAME, 'delete', %4$s, %5$s, to_jsonb(r) FROM before r;
      ELSIF TG_OP = 'TRUNCATE' THEN
        INSERT INTO changes (xid, at, who, relation, op, id, part, before)
        SELECT xid, at, who, TG_TABLE_NAME, 'delete', %4$s, %5$s, to_jsonb(r) FROM %3$s r;
      ELSE  -- a full join is never a nested loop, which a plan made for one row could be
        INSERT INTO changes (xid, at, who, relation, op, id, part, before, after)
        SELECT xid, at, who, TG_TABLE_NAME,
               (CASE WHEN %6$s IS NULL THEN 'insert'
                     WHEN %7$s IS NULL THEN 'delete'
                     ELSE 'update' END)::change_op,
               coalesce(%7$s, %6$s), coalesce(%9$s, %8$s),
               CASE WHEN %7$s IS NULL THEN to_jsonb(o)
                    WHEN %6$s IS NOT NULL THEN to_jsonb(o) - ARRAY[%10$s] END,
               CASE WHEN %6$s IS NOT NULL AND %7$s IS NOT NULL
                    THEN to_jsonb(n) - ARRAY[%10$s] END
          FROM before o FULL JOIN changed n ON %6$s = %7$s AND %8$s = %9$s;
      END IF;
      RETURN NULL;
    END $body$;
    CREATE TRIGGER log_insert AFTER INSERT ON %3$s REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION %1$I();
    CREATE TRIGGER log_update AFTER UPDATE ON %3$s
      REFERENCING OLD TABLE AS before NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION %1$I();
    CREATE TRIGGER log_delete AFTER DELETE ON %3$s REFERENCING OLD TABLE AS before
      FOR EACH STATEMENT EXECUTE FUNCTION %1$I();
    CREATE TRIGGER log_truncate BEFORE TRUNCATE ON %3$s
      FOR EACH STATEMENT EXECUTE FUNCTION %1$I();
    ALTER TABLE %3$s
      ENABLE ALWAYS TRIGGER log_insert, ENABLE ALWAYS TRIGGER log_update,
      ENABLE ALWAYS TRIGGER log_delete, ENABLE ALWAYS TRIGGER log_truncate;
  $make$, name, place, target, id, part, old_id, new_id, old_part, new_part, same);
END $outer$;

-- Stop logging a table; what is logged stays.
CREATE FUNCTION stop_logging_v1(target regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('DROP FUNCTION %I() CASCADE', 'log_' || target::text || '_v1');
END $$;

-- The log itself is only ever added to; pruning says so (SET LOCAL freshledger.pruning = 'on').
CREATE FUNCTION changes_are_kept_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('freshledger.pruning', true) = 'on' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the change log is only ever added to'
    USING ERRCODE = 'insufficient_privilege', HINT = 'To forget old changes: freshledger prune';
END $$;

CREATE TRIGGER changes_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON changes
  FOR EACH STATEMENT EXECUTE FUNCTION changes_are_kept_v1();
ALTER TABLE changes ENABLE ALWAYS TRIGGER changes_are_kept;

-- A row's version goes up with every edit of it, also where the edit does not say so: whoever saves
-- what was read before would otherwise overwrite an edit made at the SQL prompt.
CREATE FUNCTION next_version_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.version := OLD.version + 1;
  RETURN NEW;
END $$;
