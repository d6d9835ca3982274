namespace PgEtcd.Server; internal static class Program { private static void Main() { } }
