# Looks users and groups up, and logs a user in, through Net::LDAP.
#
#     net_ldap_course.pl SETTINGS
#
# SETTINGS and output are those of ldap3_course.py.
use strict;
use warnings;
use utf8;

use JSON::PP;
use Net::LDAP;
use Net::LDAP::Constant qw(LDAP_CONTROL_PAGED);
use Net::LDAP::Control::Paged;
use Net::LDAP::Util qw(escape_filter_value);

open my $file, '<', $ARGV[0] or die $!;
my $settings = decode_json(join '', <$file>);
my ($base, $group) = @$settings{qw(base group)};

# Values are characters here, and octets of UTF-8 on the wire.
sub connection { Net::LDAP->new($settings->{url}, raw => qr/^$/) or die $@ }
sub outcome {
    my ($name, $password) = @_;
    return connection()->bind($name, password => $password)->code;
}

my $service = connection();
$service->bind($settings->{bind_dn}, password => $settings->{secret})->code and die;
my %seen = (wrong => outcome($settings->{bind_dn}, 'wrong'), empty => outcome($settings->{bind_dn}, ''));

my ($paged, %names) = (Net::LDAP::Control::Paged->new(size => $settings->{page}));
my $walked = 0;
while (1) {
    my $found = $service->search(
        base => $base, filter => '(objectClass=inetOrgPerson)', attrs => ['uid'], control => [$paged]
    );
    die $found->error if $found->code;
    $names{ $_->dn } = 1, $walked++ for $found->entries;
    my ($answer) = $found->control(LDAP_CONTROL_PAGED) or last;
    my $cookie = $answer->cookie;
    last unless defined $cookie and length $cookie;
    $paged->cookie($cookie);
}
$seen{walk} = [$walked, scalar keys %names];

sub search {
    my ($through, %asked) = @_;
    my $found = $through->search(base => $base, attrs => ['*', '+'], %asked);
    die $found->error if $found->code;
    return $found->entries;
}
my ($found) = search($service, filter => '(cn=' . escape_filter_value($group) . ')');
my @members = $found->get_value('member');
$seen{found} = [$found->get_value('cn'), scalar @members];
my ($again) = search($service, base => $found->dn, scope => 'base', filter => '(objectClass=*)');
$seen{again} = $again->get_value('cn');

my ($user) = search($service, filter => '(mail=' . escape_filter_value($settings->{address}) . ')');
my @groups = $user->get_value('memberOf');
$seen{user} = [
    $user->get_value('cn'), $user->get_value('sn'), scalar @groups,
    $user->get_value('uidNumber') >= 100_000 ? JSON::PP::true : JSON::PP::false,
];
my @of_group = search($service, filter => '(memberOf=' . escape_filter_value($found->dn) . ')');
$seen{'of group'} = scalar @of_group;
$seen{compare} = [
    map { $service->compare($user->dn, attr => 'mail', value => $_)->code } $settings->{address}, 'nobody@example.com'
];
$seen{write} = $service->modify($user->dn, replace => { cn => 'X' })->code;

my $own = connection();
$own->bind($user->dn, password => $settings->{password})->code and die;
my @entries = search($own, filter => '(|(objectClass=person)(objectClass=groupOfNames))');
$seen{own} = [sort map { scalar $_->get_value('cn') } @entries];
$seen{'by address'} = outcome($settings->{address}, $settings->{password});
print encode_json(\%seen), "\n";
