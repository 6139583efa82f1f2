/**
 * What a database consists of, as rows of (kind, name, definition). Run with an empty search path, so
 * that every name comes with its schema. `kept` leaves out the system's own objects, those of
 * extensions (the extension and its version stand for them) and the ledger.
 *
 * A column's place among the others is left out on purpose: no down migration can put a dropped column
 * back where it was, and no code here may depend on it.
 */
const kept = `
  WITH space AS (
    SELECT oid, nspname FROM pg_namespace
     WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'
  ), owned AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
  ), rel AS (
    SELECT c.*, c.oid::regclass::text AS label FROM pg_class c JOIN space s ON s.oid = c.relnamespace
     WHERE NOT (s.nspname = 'public' AND c.relname = ANY ($1::text[]))
       AND (c.oid, 'pg_class'::regclass::oid) NOT IN (SELECT objid, classid FROM owned)
  )`;

/** Privileges in a fixed order; the default ones are spelled out, so that GRANT and REVOKE leave nothing. */
const acl = (column: string, kind: string, owner: string): string =>
  `(SELECT string_agg(item::text, ' ' ORDER BY item::text)
      FROM unnest(coalesce(${column}, acldefault('${kind}', ${owner}))) item)`;

const schemas = `
  SELECT 'schema', quote_ident(n.nspname), 'privileges ' || ${acl("n.nspacl", "n", "n.nspowner")}
    FROM pg_namespace n JOIN space USING (oid)
   WHERE (n.oid, 'pg_namespace'::regclass::oid) NOT IN (SELECT objid, classid FROM owned)`;

const relations = `
  SELECT CASE r.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
           WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'composite type' END,
         r.label,
         concat_ws('; ',
           CASE r.relpersistence WHEN 'u' THEN 'unlogged' END,
           'method ' || a.amname, 'tablespace ' || t.spcname,
           'partition by ' || pg_get_partkeydef(r.oid),
           (SELECT string_agg('child of ' || i.inhparent::regclass || CASE WHEN i.inhdetachpending THEN ' (detaching)' ELSE '' END,
                              ', ' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = r.oid),
           pg_get_expr(r.relpartbound, r.oid),
           'options ' || (SELECT string_agg(o, ' ' ORDER BY o) FROM unnest(r.reloptions) o),
           'toast options ' || (SELECT string_agg(o, ' ' ORDER BY o) FROM unnest(toast.reloptions) o),
           CASE WHEN r.relreplident NOT IN ('d', 'n') OR (r.relreplident = 'n' AND r.relkind = 'r')
                THEN 'replica identity ' || r.relreplident::text END,
           CASE WHEN r.relrowsecurity THEN 'row security' END,
           CASE WHEN r.relforcerowsecurity THEN 'forced row security' END,
           CASE WHEN r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END,
           'privileges ' || ${acl("r.relacl", "r", "r.relowner")})
    FROM rel r
    LEFT JOIN pg_am a ON a.oid = r.relam
    LEFT JOIN pg_tablespace t ON t.oid = r.reltablespace
    LEFT JOIN pg_class toast ON toast.oid = r.reltoastrelid
   WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')`;

/**
 * Of a column's options the documented ones (n_distinct and n_distinct_inherited): builds of PostgreSQL
 * may keep bookkeeping of their own beside them, which no migration sets.
 */
const columns = `
  SELECT 'column', r.label || '.' || quote_ident(a.attname),
         concat_ws(' ', format_type(a.atttypid, a.atttypmod),
           CASE WHEN a.attcollation <> t.typcollation THEN 'collate ' || a.attcollation::regcollation END,
           CASE WHEN a.attnotnull THEN 'not null' END,
           CASE a.attgenerated WHEN '' THEN 'default ' WHEN 's' THEN 'stored ' ELSE 'virtual ' END
             || pg_get_expr(d.adbin, d.adrelid),
           CASE a.attidentity WHEN 'a' THEN 'identity always' WHEN 'd' THEN 'identity by default' END,
           'storage ' || a.attstorage::text,
           CASE WHEN a.attcompression <> '' THEN 'compression ' || a.attcompression::text END,
           CASE WHEN coalesce(a.attstattarget, -1) >= 0 THEN 'statistics ' || a.attstattarget END,
           'options ' || (SELECT string_agg(o, ' ' ORDER BY o) FROM unnest(a.attoptions) o WHERE o LIKE 'n\\_distinct%'),
           CASE WHEN NOT a.attislocal THEN 'inherited' END,
           'privileges ' || array_to_string(a.attacl, ' '))
    FROM rel r
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')`;

/** A NOT NULL that is valid is told with its column. */
const constraints = `
  SELECT 'constraint', coalesce(r.label, c.contypid::regtype::text) || '.' || quote_ident(c.conname),
         concat_ws(' ', pg_get_constraintdef(c.oid), CASE WHEN NOT c.conislocal THEN 'inherited' END)
    FROM pg_constraint c
    LEFT JOIN rel r ON r.oid = c.conrelid
    LEFT JOIN pg_type t ON t.oid = c.contypid
   WHERE (r.oid IS NOT NULL OR t.typnamespace IN (SELECT oid FROM space))
     AND c.contype <> 't' AND (c.contype <> 'n' OR NOT c.convalidated)`;

const indexes = `
  SELECT 'index', r.label,
         concat_ws('; ', pg_get_indexdef(r.oid),
           CASE WHEN NOT i.indisvalid THEN 'invalid' END, CASE WHEN NOT i.indisready THEN 'not ready' END,
           CASE WHEN i.indisclustered THEN 'clustered' END, CASE WHEN i.indisreplident THEN 'replica identity' END,
           (SELECT 'child of ' || p.inhparent::regclass FROM pg_inherits p WHERE p.inhrelid = r.oid),
           'tablespace ' || t.spcname)
    FROM rel r JOIN pg_index i ON i.indexrelid = r.oid
    LEFT JOIN pg_tablespace t ON t.oid = r.reltablespace
   WHERE i.indrelid IN (SELECT oid FROM rel)`;

const sequences = `
  SELECT 'sequence', r.label,
         concat_ws('; ', s.seqtypid::regtype::text || ' start ' || s.seqstart || ' by ' || s.seqincrement || ' from ' || s.seqmin || ' to '
           || s.seqmax || ' cache ' || s.seqcache || CASE WHEN s.seqcycle THEN ' cycle' ELSE '' END,
           (SELECT 'owned by ' || d.refobjid::regclass || '.' || quote_ident(a.attname)
              FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
             WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype IN ('a', 'i')
               AND d.refclassid = 'pg_class'::regclass),
           'privileges ' || ${acl("r.relacl", "s", "r.relowner")})
    FROM rel r JOIN pg_sequence s ON s.seqrelid = r.oid`;

const functions = `
  SELECT 'function', p.oid::regprocedure::text,
         CASE WHEN p.prokind = 'a' THEN 'aggregate of ' || (SELECT a.aggtransfn::text FROM pg_aggregate a WHERE a.aggfnoid = p.oid)
              ELSE pg_get_functiondef(p.oid) END
         || '; privileges ' || ${acl("p.proacl", "f", "p.proowner")}
    FROM pg_proc p JOIN space s ON s.oid = p.pronamespace
   WHERE (p.oid, 'pg_proc'::regclass::oid) NOT IN (SELECT objid, classid FROM owned)`;

const triggers = `
  SELECT 'trigger', r.label || '.' || quote_ident(t.tgname),
         pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'O' THEN '' ELSE '; enabled ' || t.tgenabled::text END
    FROM pg_trigger t JOIN rel r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal`;

const policiesAndRules = `
  SELECT 'policy', r.label || '.' || quote_ident(p.polname),
         concat_ws('; ', p.polcmd::text, CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
           (SELECT string_agg(x::regrole::text, ' ' ORDER BY x::regrole::text) FROM unnest(p.polroles) x),
           pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    FROM pg_policy p JOIN rel r ON r.oid = p.polrelid
  UNION ALL
  SELECT 'rule', r.label || '.' || quote_ident(w.rulename), pg_get_ruledef(w.oid)
    FROM pg_rewrite w JOIN rel r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN'
  UNION ALL
  SELECT 'statistics', quote_ident(s.nspname) || '.' || quote_ident(x.stxname), pg_get_statisticsobjdef(x.oid)
    FROM pg_statistic_ext x JOIN space s ON s.oid = x.stxnamespace`;

/** Enums, domains and ranges; a composite type is told with its columns, a table's row type not at all. */
const types = `
  SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'range type' END, t.oid::regtype::text,
         concat_ws('; ',
           (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
           CASE WHEN t.typtype = 'd' THEN concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
             CASE WHEN t.typnotnull THEN 'not null' END, 'default ' || t.typdefault) END,
           (SELECT 'of ' || g.rngsubtype::regtype FROM pg_range g WHERE g.rngtypid = t.oid),
           'privileges ' || ${acl("t.typacl", "T", "t.typowner")})
    FROM pg_type t JOIN space s ON s.oid = t.typnamespace
   WHERE t.typtype IN ('e', 'd', 'r')
     AND (t.oid, 'pg_type'::regclass::oid) NOT IN (SELECT objid, classid FROM owned)`;

const extensions = `
  SELECT 'extension', quote_ident(e.extname), e.extversion || ' in ' || e.extnamespace::regnamespace
    FROM pg_extension e`;

/** 16384 is the first number that PostgreSQL gives to an object made after initdb. */
const comments = `
  SELECT 'comment', o.type || ' ' || o.identity, d.description
    FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) o
   WHERE d.objoid >= 16384 AND (d.objoid, d.classoid) NOT IN (SELECT objid, classid FROM owned)`;

/** Rarer things: that they are there. */
const others = `
  SELECT o.type, o.identity, ''
    FROM (SELECT tableoid, oid FROM pg_operator UNION ALL SELECT tableoid, oid FROM pg_opclass
          UNION ALL SELECT tableoid, oid FROM pg_opfamily UNION ALL SELECT tableoid, oid FROM pg_cast
          UNION ALL SELECT tableoid, oid FROM pg_collation UNION ALL SELECT tableoid, oid FROM pg_conversion
          UNION ALL SELECT tableoid, oid FROM pg_ts_config UNION ALL SELECT tableoid, oid FROM pg_ts_dict
          UNION ALL SELECT tableoid, oid FROM pg_language UNION ALL SELECT tableoid, oid FROM pg_event_trigger
          UNION ALL SELECT tableoid, oid FROM pg_publication UNION ALL SELECT tableoid, oid FROM pg_default_acl
          UNION ALL SELECT tableoid, oid FROM pg_foreign_data_wrapper UNION ALL SELECT tableoid, oid FROM pg_foreign_server) x,
         pg_identify_object(x.tableoid, x.oid, 0) o
   WHERE x.oid >= 16384 AND (x.oid, x.tableoid) NOT IN (SELECT objid, classid FROM owned)
  UNION ALL
  SELECT 'database setting', coalesce(nullif(setrole, 0)::regrole::text, 'all roles'), array_to_string(setconfig, ' ')
    FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())`;

const parts = [
  schemas,
  relations,
  columns,
  constraints,
  indexes,
  sequences,
  functions,
  triggers,
  policiesAndRules,
  types,
  extensions,
  comments,
  others,
];

export const catalogueQuery = `${kept}
  SELECT kind, name, coalesce(definition, '') AS definition
    FROM (${parts.join("\n UNION ALL")}) found (kind, name, definition)
   ORDER BY kind COLLATE "C", name COLLATE "C", definition COLLATE "C"`;
