using System.Text.RegularExpressions;
using Npgsql;

namespace PgEtcd.Testing.Postgres;

/// <summary>Functions and operators in <c>public</c> with the names of PostgreSQL's but other types, as a role with the right to create
/// objects there could make them. A call of one is counted, causes a warning in PostgreSQL's log, and fails.</summary>
public static partial class Impostors
{
    // A sequence, as its count survives a rollback and functions that swallow errors.
    private const string CrySql = """
        create sequence public.impostors_called;
        create function public.impostor() returns void language plpgsql as $$
        begin
            perform pg_catalog.nextval('public.impostors_called'::pg_catalog.regclass);
            raise warning 'impostor was called: %', pg_catalog.current_query();
            raise exception 'impostor was called';
        end $$
        """;

    /// <summary>For each function named in our SQL, every form that differs from PostgreSQL's in some types: text in place of another
    /// type, bigint in place of another number, and an array of known elements in place of any array.</summary>
    private const string FunctionsSql = """
        do $do$
        declare
            f record;
            form text[];
            forms text[];
        begin
            for f in
                select distinct p.proname, p.proargtypes::oid[] as types, p.pronargs
                from pg_catalog.pg_proc p
                where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any ($names$ NAMES $names$::text[])
                    and p.pronargs between 1 and 7
            loop
                -- Bit n: replace argument n, by text; those of numbers once more by bigint.
                for mask in 1 .. (1 << least(f.pronargs, 4)) - 1 loop
                    foreach form slice 1 in array array[['text'], ['bigint'], ['bytea[]'], ['bigint[]'], ['text[]']] loop
                        forms := array(
                            select case when (mask >> least((a.n - 1)::integer, 3)) & 1 = 1 then form[1] else a.type::regtype::text end
                            from unnest(f.types) with ordinality as a (type, n) order by a.n);
                        begin
                            execute format(
                                'create function public.%I(%s) returns %s language plpgsql as '
                                || '$b$ begin perform public.impostor(); return null; end $b$',
                                f.proname, array_to_string(forms, ', '), 'text');
                        exception when others then null; -- there is one of this form, or a type is none
                        end;
                    end loop;
                end loop;
            end loop;
            execute 'create function public.make_interval(secs bigint) returns interval language plpgsql as '
                || '$b$ begin perform public.impostor(); return null; end $b$';
        end
        $do$
        """;

    private const string OperatorsSql = """
        do $do$
        declare
            types constant text[] =
                '{text,bytea,bigint,integer,smallint,boolean,timestamptz,interval,name,oid,uuid,jsonb,"text[]"}';
            pair record;
            name text;
        begin
            for pair in
                select l.type as l, r.type as r
                from unnest(types) l (type), unnest(types) r (type)
            loop
                execute format('create function public.impostor_of(%s, %s) returns boolean language plpgsql as '
                    || '$b$ begin perform public.impostor(); return null; end $b$', pair.l, pair.r);
                foreach name in array '{=,<>,<,<=,>,>=,||,&,|,+,-,*,/,~,?,->>,#>>,>>,<<}'::text[] loop
                    if to_regoperator(format('pg_catalog.%s(%s,%s)', name, pair.l, pair.r)) is null then
                        execute format('create operator public.%s (procedure = public.impostor_of, leftarg = %s, rightarg = %s)',
                            name, pair.l, pair.r);
                    end if;
                end loop;
            end loop;
        end
        $do$
        """;

    /// <summary>Creates them in a database.</summary>
    public static async Task PlaceAsync(string connectionString)
    {
        string[] names = [.. Sources().SelectMany(text => Word().Matches(text).Select(match => match.Value)).Distinct()];
        await using NpgsqlConnection connection = new(
            new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync().ConfigureAwait(false);
        foreach (string sql in (string[])[
            "set search_path = pg_catalog, pg_temp", // the statements below must not call one either
            CrySql, FunctionsSql.Replace(" NAMES ", $"{{{string.Join(',', names)}}}", StringComparison.Ordinal), OperatorsSql])
        {
            await using NpgsqlCommand command = new(sql, connection);
            await command.ExecuteNonQueryAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Whether any was ever called.</summary>
    public static async Task<bool> WasCalledAsync(string connectionString)
    {
        await using NpgsqlConnection connection = new(
            new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync().ConfigureAwait(false);
        await using NpgsqlCommand command = new("select is_called from public.impostors_called", connection);
        return await command.ExecuteScalarAsync().ConfigureAwait(false) is true;
    }

    private static IEnumerable<string> Sources() =>
        Directory.GetFiles(Path.Combine(Repository.Root, "migrations"), "*.sql", SearchOption.AllDirectories)
            .Concat(Directory.GetFiles(Path.Combine(Repository.Root, "src", "PgEtcd.Postgres"), "*.cs", SearchOption.AllDirectories))
            .Select(File.ReadAllText);

    [GeneratedRegex(@"\b[a-z][a-z0-9_]+(?=\()")]
    private static partial Regex Word();
}
