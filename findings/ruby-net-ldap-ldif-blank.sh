#!/usr/bin/env bash
# Expected: an entry that is written as LDIF and read again is the same entry: a value that begins with a blank is written in
# Base64, because blanks after the colon do not belong to a value (RFC 2849). A value from a file, `jpegPhoto:< file://…`, is
# read from it, or refused.
# Found: Ruby's net-ldap 0.17.0 writes such a value as it is, and reads it without the blank; one with a blank at its end is
# right. The text "< file://…" becomes the value of jpegPhoto.
# Needs Debian 12, its lists of packages (apt-get update).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root ruby-net-ldap=0.17.0-1 ruby3.1 libruby3.1 libyaml-0-2 libgmp10 libcrypt1
for package in *.deb; do dpkg -x "$package" .; done
cat >entries.rb <<'RUBY'
require "strscan"
require "stringio"
require "net/ldap"
require "net/ldap/dataset"
read = ->(text) { Net::LDAP::Dataset.read_ldif(StringIO.new(text)).values.first }
changed = false
[["a ", "a "], [" a", "a"], [":a", ":a"], ["a b", "a b"]].each do |value, seen|
  entry = Net::LDAP::Entry.new("uid=ann,dc=example")
  entry["cn"] = [value]
  now = read.call(entry.to_ldif)[:cn].first
  puts "net-ldap #{Net::LDAP::VERSION}, #{value.inspect} is written #{entry.to_ldif.lines.last.chomp.inspect}, read #{now.inspect}"
  changed ||= now != seen
end
now = read.call("dn: uid=ann,dc=example\njpegPhoto:< file:///etc/hostname\n")[:jpegphoto]
puts "jpegPhoto:< file:///etc/hostname is read as #{now.inspect}"
abort "changed" if changed || now != ["< file:///etc/hostname"]
RUBY
LD_LIBRARY_PATH=usr/lib/x86_64-linux-gnu usr/bin/ruby3.1 -E UTF-8 --disable-gems \
    -I usr/lib/ruby/3.1.0 -I usr/lib/x86_64-linux-gnu/ruby/3.1.0 -I usr/lib/ruby/vendor_ruby entries.rb
