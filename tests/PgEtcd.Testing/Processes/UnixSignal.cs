namespace PgEtcd.Testing.Processes;

/// <summary>The signals that tests send.</summary>
public enum UnixSignal
{
    /// <summary>PostgreSQL's fast shutdown.</summary>
    Interrupt = 2,

    /// <summary>PostgreSQL's immediate shutdown.</summary>
    Quit = 3,

    /// <summary>Ends a process at once, without any clean-up.</summary>
    Kill = 9,

    /// <summary>Asks a process to end.</summary>
    Terminate = 15,

    /// <summary>Resumes a frozen process.</summary>
    Continue = 18,

    /// <summary>Freezes a process.</summary>
    Stop = 19,
}
