#!/usr/bin/env bash
# Expected: a library writes a value into a distinguished name with the escapes that RFC 4514 asks for, and reads a part that
# has two attributes as two.
# Found: Ruby's net-ldap 0.17.0. A value with a blank at an end or a # at its start raises TypeError; an escaped blank at the
# end is lost; `cn=a+uid=b` is one attribute with the value "a+uid=b". `require "net/ldap"` does not load the class.
# Needs Debian 12, its lists of packages (apt-get update).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root ruby-net-ldap=0.17.0-1 ruby3.1 libruby3.1 libyaml-0-2 libgmp10 libcrypt1
for package in *.deb; do dpkg -x "$package" .; done
cat >names.rb <<'RUBY'
require "strscan"
require "net/ldap"
loaded = defined?(Net::LDAP::DN) ? "loaded" : "not loaded"
require "net/ldap/dn"
changed = loaded != "not loaded"
puts "net-ldap #{Net::LDAP::VERSION}, Net::LDAP::DN after require \"net/ldap\": #{loaded}"
made = proc do |value|
  begin
    Net::LDAP::DN.new("cn", value).to_s
  rescue TypeError => error
    "TypeError: #{error.message}"
  end
end
[["Sales, EMEA", "cn=Sales\\, EMEA"], [" a", "TypeError"], ["a ", "TypeError"], ["#a", "TypeError"]].each do |value, seen|
  now = made.call(value)
  puts "the name of #{value.inspect}: #{now}"
  changed ||= !now.start_with?(seen)
end
[["cn=\\c3\\b6l", %w[cn öl]], ["cn=a\\ ", %w[cn a]], ["cn=a+uid=b", ["cn", "a+uid=b"]]].each do |name, seen|
  now = Net::LDAP::DN.new(name).to_a
  puts "#{name} is read as #{now.inspect}"
  changed ||= now != seen
end
abort "changed" if changed
RUBY
LD_LIBRARY_PATH=usr/lib/x86_64-linux-gnu usr/bin/ruby3.1 -E UTF-8 --disable-gems \
    -I usr/lib/ruby/3.1.0 -I usr/lib/x86_64-linux-gnu/ruby/3.1.0 -I usr/lib/ruby/vendor_ruby names.rb
