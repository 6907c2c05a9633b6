#!/usr/bin/env bash
# Creates a user as the documented template has it, by curl: a GUID in capitals, a bare False in the body.
#
# Usage: create_user.sh KEYS ADDRESS [NAME]
#
# Prints the body of the answer, whatever its status. Fails when the status is an error. Needs curl 7.76, openssl and
# what every Debian has. Whatever else curl should do, such as trust a certificate, stands in a .curlrc in CURL_HOME.
set -euo pipefail

if (($# < 2 || $# > 3)); then
    echo 'usage: create_user.sh KEYS ADDRESS [NAME]' >&2
    exit 2
fi
keys=$1 address=$2 name=${3:-Ann Lee}
path=/api/user/create-user

# A value of the flat object of texts without escapes that the file of keys is.
key() {
    sed -n 's/^.*"'"$1"'" *: *"\([^"]*\)".*$/\1/p' "$keys"
}

date=$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S UTC')
request_id=$(tr a-f A-F </proc/sys/kernel/random/uuid)
# openssl takes a key of any bytes only in hexadecimal digits.
secret=$(key secret_key | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
signature=$(printf '%s' "$date:$request_id:$path:$(key app_key)" |
    openssl dgst -sha1 -mac HMAC -macopt "hexkey:$secret" -binary | openssl base64 -A)

curl --silent --show-error --fail-with-body --request POST "$(key base_url)$path" \
    --header "Authorization: MC $(key access_key):$signature" \
    --header "x-mc-date: $date" \
    --header "x-mc-req-id: $request_id" \
    --header "x-mc-app-id: $(key app_id)" \
    --header 'Content-Type: application/json' \
    --header 'Accept: application/json' \
    --data-binary @- <<BODY
{
  "data": [
    {
      "emailAddress": "$address",
      "password": "Kestrel-41-over-the-weir",
      "accountCode": "$(key account_code)",
      "forcePasswordChange": False,
      "name": "$name"
    }
  ]
}
BODY
