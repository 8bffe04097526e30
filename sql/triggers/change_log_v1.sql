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
CREATE FUNCTION log_changes_v1(target regclass, id text, part text) RETURNS void
LANGUAGE plpgsql AS $outer$
DECLARE
  place text := quote_ident(current_schema());
  name text := 'log_' || target::text || '_v1';
BEGIN
  EXECUTE format($make$
    CREATE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, %2$s, pg_temp
    SET enable_nestloop = off  -- a plan made for one row must not serve a million
    AS $body$
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
      ELSE
        INSERT INTO changes (xid, at, who, relation, op, id, part, before, after)
        SELECT xid, at, who, TG_TABLE_NAME,
               (CASE WHEN o.image IS NULL THEN 'insert'
                     WHEN n.image IS NULL THEN 'delete'
                     ELSE 'update' END)::change_op,
               id, part, CASE WHEN n.image IS NULL THEN o.image ELSE d.before END, d.after
          FROM (SELECT %4$s AS id, %5$s AS part, to_jsonb(r) AS image FROM before r) o
          FULL JOIN (SELECT %4$s AS id, %5$s AS part, to_jsonb(r) AS image FROM changed r) n
               USING (id, part)
         CROSS JOIN LATERAL (
               SELECT jsonb_object_agg(key, o.image -> key) AS before,
                      jsonb_object_agg(key, value) AS after
                 FROM jsonb_each(n.image)
                WHERE o.image IS NOT NULL AND value IS DISTINCT FROM o.image -> key) d;
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
  $make$, name, place, target, id, part);
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
