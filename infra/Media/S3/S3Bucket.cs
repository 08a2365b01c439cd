using System.Net;
using System.Runtime.CompilerServices;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace EventStream.Media.S3;

/// <summary>
/// The requests to one bucket, with the settings that every S3-speaking store understands: bodies go as they are, with
/// their SHA-256 in the signature. What the SDK does by default, chunks with a checksum behind them, is stored framing
/// and all by stores that do not know it. Each request is bounded in time and tried again a few times.
/// </summary>
internal sealed class S3Bucket : IDisposable
{
    /// <summary>Size of a part, in bytes. S3 takes none below 5 MiB but the last.</summary>
    public const int PartBytes = 8 << 20;

    /// <summary>Parts that S3 takes for one object: with <see cref="PartBytes"/>, 78 GiB.</summary>
    public const int PartsMax = 10_000;

    /// <summary>Parts of one object that travel at a time; a buffer of <see cref="PartBytes"/> each.</summary>
    public const int ParallelParts = 4;

    private const int RetriesMax = 3;
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private readonly AmazonS3Client client;
    private readonly S3Options options;

    public S3Bucket(S3Options options)
    {
        this.options = options;
        var config = new AmazonS3Config
        {
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            MaxErrorRetry = RetriesMax,
            Timeout = RequestTimeout,
            ConnectTimeout = ConnectTimeout,
        };
        if (options.Endpoint is { } endpoint)
        {
            (config.ServiceURL, config.ForcePathStyle) = (endpoint.ToString(), true);
            config.AuthenticationRegion = options.Region;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(options.Region);
        }

        client = new AmazonS3Client(new BasicAWSCredentials(options.AccessKey, options.SecretKey), config);
    }

    public void Dispose() => client.Dispose();

    /// <summary>Size, time and ETag of an object, or null where there is none.</summary>
    public async Task<S3Object?> FindAsync(string key, CancellationToken cancellation)
    {
        var request = new GetObjectMetadataRequest { BucketName = options.Bucket, Key = key };
        var found = await AskOrNullAsync(key, client.GetObjectMetadataAsync(request, cancellation));
        return found is null ? null : new S3Object(found.ContentLength, Time(found.LastModified), found.ETag);
    }

    /// <summary>
    /// Bytes of an object from the first to the last offset, both counted. Throws <see cref="MediaStoreException"/>
    /// where the object is no longer the one with this ETag.
    /// </summary>
    public async Task<Stream> ReadAsync(string key, string etag, long first, long last, CancellationToken cancellation)
    {
        var request = new GetObjectRequest
        {
            BucketName = options.Bucket,
            Key = key,
            ByteRange = new ByteRange(first, last),
            EtagToMatch = etag,
        };
        var found = await AskAsync(key, client.GetObjectAsync(request, cancellation));
        // A store may ignore the condition.
        if (found.ETag == etag)
            return found.ResponseStream;
        found.Dispose();
        throw new MediaChangedException(key);
    }

    /// <summary>A small object as a whole, or null where there is none.</summary>
    public async Task<SmallObject?> ReadSmallAsync(string key, CancellationToken cancellation)
    {
        using var found = await AskOrNullAsync(key, client.GetObjectAsync(options.Bucket, key, cancellation));
        if (found is null)
            return null;
        using var content = new MemoryStream();
        await found.ResponseStream.CopyToAsync(content, cancellation);
        return new SmallObject(content.ToArray(), found.ETag, Time(found.LastModified));
    }

    /// <summary>
    /// Stores an object from a seekable stream, in one step, and returns its ETag. Where <paramref name="replacing"/>
    /// is an ETag, only over exactly that object; where it is empty, only where there is none.
    /// </summary>
    public async Task<string> PutAsync(
        string key,
        Stream content,
        CancellationToken cancellation,
        string? replacing = null
    )
    {
        var request = new PutObjectRequest
        {
            BucketName = options.Bucket,
            Key = key,
            InputStream = content,
            AutoCloseStream = false,
            UseChunkEncoding = false,
            IfMatch = replacing is { Length: > 0 } ? replacing : null,
            IfNoneMatch = replacing is { Length: 0 } ? "*" : null,
        };
        return (await AskAsync(key, client.PutObjectAsync(request, cancellation))).ETag;
    }

    /// <summary>Begins an object that comes in parts and returns the name of that upload.</summary>
    public async Task<string> BeginAsync(string key, CancellationToken cancellation) =>
        (await AskAsync(key, client.InitiateMultipartUploadAsync(options.Bucket, key, cancellation))).UploadId;

    /// <summary>Stores part <paramref name="number"/> (from 1) from a seekable stream, over one sent before.</summary>
    public async Task<S3Part> PutPartAsync(
        string key,
        string upload,
        int number,
        Stream content,
        CancellationToken cancellation
    )
    {
        if (number > PartsMax)
            throw new MediaStoreException(
                $"'{key}' is larger than {PartsMax * (long)PartBytes} bytes, the most that comes in parts."
            );
        var size = content.Length - content.Position;
        var request = new UploadPartRequest
        {
            BucketName = options.Bucket,
            Key = key,
            UploadId = upload,
            PartNumber = number,
            PartSize = size,
            InputStream = content,
            UseChunkEncoding = false,
        };
        var answer = await AskAsync(key, client.UploadPartAsync(request, cancellation));
        return new S3Part(answer.ETag, size);
    }

    /// <summary>Makes the object of its parts, in one step.</summary>
    public Task CompleteAsync(string key, string upload, IEnumerable<S3Part> parts, CancellationToken cancellation)
    {
        var request = new CompleteMultipartUploadRequest
        {
            BucketName = options.Bucket,
            Key = key,
            UploadId = upload,
            PartETags = [.. parts.Select((part, at) => new PartETag(at + 1, part.ETag))],
        };
        return AskAsync(key, client.CompleteMultipartUploadAsync(request, cancellation));
    }

    /// <summary>Gives up an object that comes in parts; nothing happens where the store no longer knows it.</summary>
    public async Task AbortAsync(string key, string upload, CancellationToken cancellation)
    {
        try
        {
            await client.AbortMultipartUploadAsync(options.Bucket, key, upload, cancellation);
        }
        catch (AmazonS3Exception e)
            when (e.StatusCode
                    is HttpStatusCode.NotFound
                        or HttpStatusCode.MethodNotAllowed
                        or HttpStatusCode.NotImplemented
            )
        {
            // It is complete or gone. Where the store cannot abort at all, its own clean-up removes the parts.
        }
        catch (Exception e) when (IsFailure(e))
        {
            throw Failed(key, e);
        }
    }

    /// <summary>Removes an object; nothing happens where there is none.</summary>
    public Task DeleteAsync(string key, CancellationToken cancellation) =>
        AskAsync(key, client.DeleteObjectAsync(options.Bucket, key, cancellation));

    /// <summary>Keys that begin with a prefix, sorted, page by page.</summary>
    public async IAsyncEnumerable<string> ListAsync(
        string prefix,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        var request = new ListObjectsV2Request { BucketName = options.Bucket, Prefix = prefix };
        do
        {
            var page = await AskAsync(prefix, client.ListObjectsV2Async(request, cancellation));
            foreach (var found in page.S3Objects ?? [])
                yield return found.Key;
            request.ContinuationToken = page.NextContinuationToken;
        } while (request.ContinuationToken is not null);
    }

    /// <summary>Why the bucket cannot be used, or null where it can.</summary>
    public async Task<string?> TroubleAsync(CancellationToken cancellation)
    {
        var request = new ListObjectsV2Request
        {
            BucketName = options.Bucket,
            Prefix = ".nothing/",
            MaxKeys = 1,
        };
        try
        {
            await client.ListObjectsV2Async(request, cancellation);
            return null;
        }
        catch (Exception e) when (IsFailure(e))
        {
            return $"The media store does not serve {options}: {Reason(e)}.";
        }
    }

    private static DateTimeOffset Time(DateTime? time) =>
        new(DateTime.SpecifyKind(time?.ToUniversalTime() ?? DateTime.UnixEpoch, DateTimeKind.Utc));

    private static bool IsFailure(Exception e) =>
        e is AmazonServiceException or AmazonClientException or HttpRequestException or TimeoutException;

    private static string Reason(Exception e) =>
        e is AmazonS3Exception { ErrorCode.Length: > 0 } s3 ? s3.ErrorCode : e.Message.TrimEnd('.');

    private async Task<T> AskAsync<T>(string key, Task<T> answer)
    {
        try
        {
            return await answer;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound && e.ErrorCode != "NoSuchBucket")
        {
            throw new MediaNotFoundException(key);
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.PreconditionFailed)
        {
            throw new MediaChangedException(key);
        }
        catch (Exception e) when (IsFailure(e))
        {
            throw Failed(key, e);
        }
    }

    private MediaStoreException Failed(string key, Exception e) =>
        new($"The media store does not serve '{key}' of {options}: {Reason(e)}.", e);

    private async Task<T?> AskOrNullAsync<T>(string key, Task<T> answer)
        where T : class
    {
        try
        {
            return await AskAsync(key, answer);
        }
        catch (MediaNotFoundException)
        {
            return null;
        }
    }
}
