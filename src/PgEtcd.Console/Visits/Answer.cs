using Microsoft.AspNetCore.Components;

namespace PgEtcd.Console.Visits;

/// <summary>A page's response to a request.</summary>
internal abstract record Answer;

/// <summary>A component in the frame that all pages share.</summary>
/// <param name="Title">The page's title.</param>
/// <param name="Component">A <see cref="View{T}"/>.</param>
/// <param name="Model">The component's model.</param>
internal sealed record PageAnswer(string Title, Type Component, object Model) : Answer
{
    /// <summary>The HTTP status.</summary>
    public int Status { get; init; } = StatusCodes.Status200OK;

    /// <summary>The answer with status 409 if a change of the visitor's is refused in favour of another.</summary>
    public PageAnswer WithConflict(bool isConflict) => isConflict ? this with { Status = StatusCodes.Status409Conflict } : this;
}

/// <summary>A component without the frame, which a script inserts into a page.</summary>
internal sealed record FragmentAnswer(Type Component, object Model) : Answer;

/// <summary>A redirect.</summary>
internal sealed record RedirectAnswer(string Address) : Answer;

/// <summary>A response that the page writes itself.</summary>
internal sealed record StreamAnswer(Func<HttpContext, Task> WriteAsync) : Answer;

/// <summary>A page.</summary>
internal interface IPage
{
    /// <summary>Answers a GET.</summary>
    Task<Answer> GetAsync(Visit visit);
}

/// <summary>A page with a form.</summary>
internal interface IFormPage : IPage
{
    /// <summary>Handles the form, whose token has been checked.</summary>
    Task<Answer> PostAsync(Visit visit, IFormCollection form);
}

/// <summary>A component that shows a model.</summary>
public abstract class View<T> : ComponentBase
{
    /// <summary>The model.</summary>
    [Parameter]
    [EditorRequired]
    public T Model { get; set; } = default!;

    /// <summary>The request.</summary>
    [CascadingParameter]
    internal Visit Visit { get; set; } = null!;
}
