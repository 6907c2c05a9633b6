using System;
using System.IO;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

/// <summary>
/// Creates a user as the documented C# sample does: by HttpWebRequest, which asks leave to send the body
/// (Expect: 100-continue), with a date that ends in GMT and a bare False in the body.
/// </summary>
/// <remarks>
/// Usage: CreateUser.exe KEYS ADDRESS [NAME]. Prints the body of the answer. An error status ends it with an exception
/// and 1, and its body is never seen.
/// </remarks>
public static class CreateUser
{
    const string Path = "/api/user/create-user";

    public static int Main(string[] arguments)
    {
        if (arguments.Length < 2 || arguments.Length > 3)
        {
            Console.Error.WriteLine("usage: CreateUser.exe KEYS ADDRESS [NAME]");
            return 2;
        }
        string keys = File.ReadAllText(arguments[0]);
        string name = arguments.Length == 3 ? arguments[2] : "Ann Lee";
        try
        {
            Console.WriteLine(Send(keys, Body(arguments[1], Key(keys, "account_code"), name)));
            return 0;
        }
        catch (WebException error)
        {
            Console.Error.WriteLine(error.Message);
            return 1;
        }
    }

    static string Send(string keys, string body)
    {
        string date = DateTime.UtcNow.ToString("R");
        string requestId = Guid.NewGuid().ToString();

        var request = (HttpWebRequest)WebRequest.Create(Key(keys, "base_url") + Path);
        request.Method = "POST";
        request.ContentType = "application/json";
        request.Headers[HttpRequestHeader.Authorization] = Authorization(keys, date, requestId);
        request.Headers.Add("x-mc-date", date);
        request.Headers.Add("x-mc-req-id", requestId);
        request.Headers.Add("x-mc-app-id", Key(keys, "app_id"));

        byte[] bytes = Encoding.UTF8.GetBytes(body);
        using (Stream stream = request.GetRequestStream())
        {
            stream.Write(bytes, 0, bytes.Length);
        }
        using (WebResponse response = request.GetResponse())
        using (var reader = new StreamReader(response.GetResponseStream()))
        {
            return reader.ReadToEnd();
        }
    }

    static string Authorization(string keys, string date, string requestId)
    {
        string text = string.Join(":", date, requestId, Path, Key(keys, "app_key"));
        using (var mac = new HMACSHA1(Convert.FromBase64String(Key(keys, "secret_key"))))
        {
            byte[] digest = mac.ComputeHash(Encoding.UTF8.GetBytes(text));
            return "MC " + Key(keys, "access_key") + ":" + Convert.ToBase64String(digest);
        }
    }

    static string Body(string address, string accountCode, string name)
    {
        return string.Join("\n",
            "{",
            "    \"data\": [",
            "        {",
            "            \"emailAddress\": \"" + address + "\",",
            "            \"password\": \"Kestrel-41-over-the-weir\",",
            "            \"accountCode\": \"" + accountCode + "\",",
            "            \"forcePasswordChange\": False,",
            "            \"name\": \"" + name + "\"",
            "        }",
            "    ]",
            "}");
    }

    /// <summary>A value of the flat object of texts without escapes that the file of keys is.</summary>
    static string Key(string keys, string name)
    {
        Match match = Regex.Match(keys, "\"" + name + "\"\\s*:\\s*\"([^\"]*)\"");
        if (!match.Success)
        {
            throw new InvalidDataException("the file of keys has no " + name);
        }
        return match.Groups[1].Value;
    }
}
