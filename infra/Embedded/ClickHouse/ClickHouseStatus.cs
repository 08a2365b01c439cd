using Microsoft.AspNetCore.Http;

namespace EventStream.Embedded.ClickHouse;

/// <summary>HTTP status of ClickHouse's error codes.</summary>
internal static class ClickHouseStatus
{
    private static readonly HashSet<int> SenderIsWrong =
    [
        6,
        7,
        16,
        20,
        26,
        27,
        33,
        34,
        36,
        38,
        39,
        40,
        41,
        42,
        43,
        44,
        46,
        47,
        48,
        51,
        53,
        57,
        61,
        62,
        63,
        69,
        70,
        72,
        82,
        85,
        108,
        110,
        115,
        117,
        130,
        131,
        206,
        215,
        349,
        372,
        386,
        395,
        427,
        441,
        452,
        456,
        457,
        471,
        473,
        474,
        475,
        477,
    ];

    public static int Of(int code) =>
        code switch
        {
            (int)ClickHouseError.AuthenticationFailed or (int)ClickHouseError.AccessDenied =>
                StatusCodes.Status403Forbidden,
            60 or 81 => StatusCodes.Status404NotFound,
            159 => StatusCodes.Status408RequestTimeout,
            (int)ClickHouseError.TooManyRowsOrBytes => StatusCodes.Status413PayloadTooLarge,
            (int)ClickHouseError.SessionIsLocked => StatusCodes.Status423Locked,
            (int)ClickHouseError.TooManySimultaneousQueries => StatusCodes.Status503ServiceUnavailable,
            _ when SenderIsWrong.Contains(code) => StatusCodes.Status400BadRequest,
            _ => StatusCodes.Status500InternalServerError,
        };
}
