#!/usr/bin/env perl
# A worker in Perl, written from docs/protocol.md alone; core modules only.
#
# It gives each argument back. For the text "fail" its task fails, for "die" it kills itself.

use strict;
use warnings;
use Time::HiRes qw(time);

# --- MessagePack: undef, numbers, text, bytes, lists, maps. A Truth is true or false, a Bytes is bytes, a Float a float.

sub truth { return bless \(my $value = $_[0] ? 1 : 0), 'Truth' }
sub bytes { return bless \(my $value = $_[0]), 'Bytes' }
sub float { return bless \(my $value = $_[0]), 'Float' }

sub text {
    my ($value) = @_;
    utf8::encode($value) if utf8::is_utf8($value);
    return $value;
}

sub head {
    my ($length, $short, $limit, @codes) = @_;
    return pack('C', $short | $length) if $length < $limit;
    return pack('CC', $codes[0], $length) if defined $codes[0] && $length < 1 << 8;
    return pack('Cn', $codes[1], $length) if $length < 1 << 16;
    return pack('CN', $codes[2], $length);
}

sub integer {
    my ($value) = @_;
    return pack('C', $value & 0xFF) if -32 <= $value && $value < 128;
    return $value < 0 ? pack('Cq>', 0xD3, $value) : pack('CQ>', 0xCF, $value);
}

sub packed {
    my ($value) = @_;
    my $type = ref $value;
    return "\xC0" unless defined $value;
    return $$value ? "\xC3" : "\xC2" if $type eq 'Truth';
    return head(length $$value, 0, 0, 0xC4, 0xC5, 0xC6) . $$value if $type eq 'Bytes';
    return pack('Cd>', 0xCB, $$value) if $type eq 'Float';
    return head(scalar @$value, 0x90, 16, undef, 0xDC, 0xDD) . join('', map { packed($_) } @$value) if $type eq 'ARRAY';
    if ($type eq 'HASH') {
        my @keys = sort keys %$value;
        return head(scalar @keys, 0x80, 16, undef, 0xDE, 0xDF) . join('', map { packed($_) . packed($value->{$_}) } @keys);
    }
    return integer($value) if $value =~ /\A-?[0-9]+\z/;
    my $text = text($value);
    return head(length $text, 0xA0, 32, 0xD9, 0xDA, 0xDB) . $text;
}

my %NUMBERS = (
    0xCA => ['f>', 4], 0xCB => ['d>', 8],
    0xCC => ['C', 1], 0xCD => ['n', 2], 0xCE => ['N', 4], 0xCF => ['Q>', 8],
    0xD0 => ['c', 1], 0xD1 => ['s>', 2], 0xD2 => ['l>', 4], 0xD3 => ['q>', 8],
);
my %LENGTHS = (
    0xC4 => ['C', 1, \&raw], 0xC5 => ['n', 2, \&raw], 0xC6 => ['N', 4, \&raw],
    0xD9 => ['C', 1, \&string], 0xDA => ['n', 2, \&string], 0xDB => ['N', 4, \&string],
    0xDC => ['n', 2, \&list], 0xDD => ['N', 4, \&list],
    0xDE => ['n', 2, \&map_of], 0xDF => ['N', 4, \&map_of],
);

sub take {
    my ($data, $size) = @_;
    die "the bytes end inside a value\n" if length $$data < $size;
    return substr($$data, 0, $size, '');
}

sub raw { return bytes(take(@_)) }
sub list { my ($data, $size) = @_; return [map { unpacked($data) } 1 .. $size] }
sub map_of { my ($data, $size) = @_; return {map { (unpacked($data), unpacked($data)) } 1 .. $size} }

sub string {
    my $value = take(@_);
    utf8::decode($value) or die "text that is not UTF-8\n";
    return $value;
}

sub unpacked {
    my ($data) = @_;
    my $code = ord take($data, 1);
    return $code if $code < 0x80;
    return $code - 0x100 if $code >= 0xE0;
    return map_of($data, $code & 0x0F) if $code < 0x90;
    return list($data, $code & 0x0F) if $code < 0xA0;
    return string($data, $code & 0x1F) if $code < 0xC0;
    return undef if $code == 0xC0;
    return truth($code == 0xC3) if $code == 0xC2 || $code == 0xC3;
    if (my $number = $NUMBERS{$code}) {
        return unpack($number->[0], take($data, $number->[1]));
    }
    my $length = $LENGTHS{$code} or die sprintf("the byte %#x begins nothing that may stand here\n", $code);
    return $length->[2]->($data, unpack($length->[0], take($data, $length->[1])));
}

# --- frames

my %KIND = (
    HELLO => 1, SETUP => 2, PRELUDE => 3, FUNCTION => 4, PREPARE => 5, TASKS => 6,
    MY_HELLO => 16, ACCEPTED => 17, READY => 18, TROUBLE => 19, RESULTS => 20, BYE => 21,
);
my $cap = 4 * 1024**3;

sub read_exactly {
    my ($size) = @_;
    my $data = '';
    while (length $data < $size) {
        my $got = sysread STDIN, $data, $size - length $data, length $data;
        die "cannot read: $!\n" unless defined $got;
        last unless $got;
    }
    return $data;
}

sub write_all {
    my ($data) = @_;
    my $done = 0;
    while ($done < length $data) {
        my $put = syswrite STDOUT, $data, length($data) - $done, $done;
        exit 1 unless defined $put;
        $done += $put;
    }
}

sub frame {
    my ($kind, $metadata, $payload) = @_;
    my $meta = packed($metadata);
    return pack('nCCNQ>NN', 0xF753, 1, $KIND{$kind}, length $meta, length $payload, 0, 0) . $meta . $payload;
}

# The next frame: kind, metadata, payload; nothing at the end of the input.
sub next_frame {
    my $header = read_exactly(24);
    return if $header eq '';
    die "the input ended inside a frame\n" if length $header < 24;
    my ($magic, $version, $kind, $meta_size, $size, $buffers, $zero) = unpack 'nCCNQ>NN', $header;
    die "this is no frame of version 1\n" if $magic != 0xF753 || $version != 1 || $zero;
    die "a value in msgpack has no buffers\n" if $buffers;
    die "a frame that is too long\n" if 24 + $meta_size + $size > $cap;
    my ($meta, $payload) = (read_exactly($meta_size), read_exactly($size));
    die "the input ended inside a frame\n" if length $meta < $meta_size || length $payload < $size;
    return ($kind, unpacked(\$meta), $payload);
}

# --- one task

# The row of its answer, and its sealed result.
sub run_task {
    my ($task, $attempt, $sealed) = @_;
    my $began = time;
    my ($argument, $error);
    my $copy = $sealed;
    if (!eval { $argument = unpacked(\$copy); die "more than one value\n" if length $copy; 1 }) {
        $error = {kind => 'argument', type => 'Error', message => text($@)};
    }
    elsif (defined $argument && !ref $argument && $argument eq 'fail') {
        $error = {kind => 'raised', type => 'Failure', message => 'it was asked to fail'};
    }
    elsif (defined $argument && !ref $argument && $argument eq 'die') {
        kill 'KILL', $$;
    }
    my $seconds = float(time - $began);
    return ([$task, $attempt, truth(0), 0, 0, $seconds, {error => $error}], '') if $error;
    return ([$task, $attempt, truth(1), length $sealed, 0, $seconds, undef], $sealed);
}

# --- a worker's life

binmode STDIN;
binmode STDOUT;
$| = 1;
my $marker = "#spreadjobs master\n";
my $first = read_exactly(length $marker);
exit 0 if $first eq '';
die "worker.pl: this is no master\n" if $first ne $marker;

my ($kind, $hello) = next_frame();
die "worker.pl: a codec that is not msgpack\n" if $kind != $KIND{HELLO} || $hello->{codec} ne 'msgpack';
write_all("#spreadjobs worker\n" . frame('MY_HELLO', {version => 1, meta => 'msgpack', codecs => ['msgpack'], pid => $$}, ''));

while (my ($kind, $metadata, $payload) = next_frame()) {
    if ($kind == $KIND{SETUP}) {
        $cap = $metadata->{frame} if defined $metadata->{frame};
        write_all(frame('ACCEPTED', {}, ''));
    }
    elsif ($kind == $KIND{PREPARE}) {
        my $error = {kind => 'function', type => 'Error', message => 'a worker in Perl runs no Python function'};
        if (defined $metadata->{compute}) {
            write_all(frame('TROUBLE', {error => $error}, ''));
            exit 1;
        }
        write_all(frame('READY', {seconds => float(0)}, ''));
    }
    elsif ($kind == $KIND{TASKS}) {
        for my $row (@{$metadata->{tasks}}) {
            my ($task, $attempt, $size) = @$row;
            my ($answer, $result) = run_task($task, $attempt, substr($payload, 0, $size, ''));
            write_all(frame('RESULTS', {results => [$answer]}, $result));
        }
    }
    elsif ($kind != $KIND{PRELUDE} && $kind != $KIND{FUNCTION}) {
        die "worker.pl: a frame of kind $kind\n";
    }
}
write_all(frame('BYE', {}, ''));
