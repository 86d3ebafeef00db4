"""How the emulator refuses: Azure's error codes, each with its status and a message for people.

FilesError is the only exception a handler raises on purpose; `app.py` alone turns it into an answer.
Codes and statuses: "File service error codes", "Common REST API error codes" of the Azure Storage reference.
"""

from collections.abc import Mapping

#: code -> (HTTP status, default message)
CODES: Mapping[str, tuple[int, str]] = {
    "AuthenticationFailed": (403, "The request could not be authenticated."),
    "AuthorizationFailure": (403, "This request is not authorized to perform this operation."),
    "AuthorizationPermissionMismatch": (403, "The shared access signature does not grant this operation."),
    "AuthorizationProtocolMismatch": (403, "The shared access signature allows https only; this is http."),
    "AuthorizationResourceTypeMismatch": (
        403,
        "The shared access signature is not for this type of resource.",
    ),
    "AuthorizationServiceMismatch": (403, "The shared access signature is not for the file service (ss=f)."),
    "AuthorizationSourceIPMismatch": (403, "The shared access signature does not allow this client address."),
    "CannotVerifyCopySource": (403, "The copy source could not be read with the authorization given."),
    "ConditionNotMet": (412, "The condition in the request's headers is not met: the resource has changed."),
    "ContainerQuotaDowngradeNotAllowed": (409, "The quota cannot be lowered now."),
    "DirectoryNotEmpty": (409, "The directory is not empty: delete its files and directories first."),
    "InternalError": (500, "The emulator failed; its log has the traceback."),
    "InvalidHeaderValue": (400, "The value of a header is not allowed."),
    "InvalidInput": (400, "The request is not valid."),
    "InvalidQueryParameterValue": (400, "The value of a query parameter is not allowed."),
    "InvalidRange": (416, "The range lies beyond the end of the file."),
    "InvalidResourceName": (400, "The name has characters or a length that Azure Files does not allow."),
    "InvalidUri": (400, "The URL does not name a resource of this account."),
    "InvalidXmlDocument": (400, "The body is not the XML that this operation expects."),
    "LeaseAlreadyPresent": (409, "There is already a lease."),
    "LeaseIdMismatchWithFileOperation": (412, "The lease id does not match the lease of the resource."),
    "LeaseIdMismatchWithLeaseOperation": (409, "The lease id does not match the lease of the resource."),
    "LeaseIdMissing": (412, "The resource is leased: the request must carry its x-ms-lease-id."),
    "LeaseIsBreakingAndCannotBeAcquired": (409, "The lease is being broken and cannot be acquired yet."),
    "LeaseIsBreakingAndCannotBeChanged": (409, "The lease is being broken and cannot be changed."),
    "LeaseIsBrokenAndCannotBeRenewed": (409, "The lease was broken and cannot be renewed."),
    "LeaseLost": (412, "A lease id was given, but the lease has expired or was broken."),
    "LeaseNotPresentWithFileOperation": (412, "A lease id was given, but the resource is not leased."),
    "LeaseNotPresentWithLeaseOperation": (409, "The resource is not leased."),
    "Md5Mismatch": (400, "The Content-MD5 given is not that of the body received."),
    "InvalidAuthenticationInfo": (401, "The bearer token is not one for this service and time."),
    "KeyBasedAuthenticationNotPermitted": (
        403,
        "Key based authentication is not permitted on this storage account.",
    ),
    "MissingRequiredHeader": (400, "A required header is missing."),
    "NoAuthenticationInformation": (
        401,
        "The request carries neither an Authorization header nor a signature.",
    ),
    "NoPendingCopyOperation": (409, "There is no pending copy: copies finish within their request here."),
    "NotImplemented": (501, "This emulator does not have this operation."),
    "OutOfRangeInput": (400, "A value lies outside its allowed range."),
    "ParentNotFound": (404, "The parent directory does not exist: create it first, one level at a time."),
    "RequestBodyTooLarge": (413, "The body is too large: at most 4 MiB for a range."),
    "ResourceAlreadyExists": (409, "The resource exists already."),
    "ResourceNotFound": (404, "The resource does not exist."),
    "ResourceTypeMismatch": (409, "There is a resource of another type (file, directory) under this name."),
    "ShareAlreadyExists": (409, "The share exists already."),
    "ShareNotFound": (404, "The share does not exist."),
    "UnsupportedHttpVerb": (405, "The resource does not have this operation."),
}


class FilesError(Exception):
    """A refusal. `detail` is extra text for people (never a secret), `headers` go into the answer."""

    def __init__(
        self, code: str, message: str = "", *, detail: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self.code = code
        self.status, default = CODES[code]
        self.message = message or default
        self.detail = detail
        self.headers = dict(headers or {})
        super().__init__(f"{code}: {self.message}")
