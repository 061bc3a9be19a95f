// The vectors were made with the codec of 2018; a vector's number and requirement are the test's name.
import { test } from 'tap'
import { vectorGroups } from '../../conformance/vectors/files.ts'
import { parseAddress } from './addresses.ts'
import { addressLabel, id0Label, parseAddressLabel, parseId0Label, parseZone } from './names.ts'

test('ip_label: every label of the vectors stands for its address or for none, and every address is written as its label or refused', async (t) => {
  for (const group of vectorGroups('ip_label')) {
    if (group.type === 'IpLabelDecode') {
      for (const { tcId, req, label, family, ip, comment } of group.tests) {
        const name = `ip_label ${tcId} ${req} ${label} ${comment}`
        const parsed = parseAddressLabel(label)
        if (ip === null) t.equal(parsed, undefined, name)
        else t.match(parsed, { family, address: ip }, name)
      }
    } else {
      for (const { tcId, req, label, ip, comment } of group.tests) {
        const name = `ip_label ${tcId} ${req} ${ip} ${comment}`
        if (label === null) t.throws(() => addressLabel(ip), RangeError, name)
        else t.equal(addressLabel(ip), label, name)
      }
    }
  }
})

test('id0_label: every label of the vectors stands for its peer id or for none', async (t) => {
  for (const vector of vectorGroups('id0_label').flatMap((group) => group.tests)) {
    const name = `id0_label ${vector.tcId} ${vector.req} ${vector.comment}`
    const parsed = parseId0Label(vector.label)
    if (vector.peerIdHex === null) {
      t.equal(parsed, undefined, name)
      continue
    }
    t.equal(Buffer.from(parsed ?? []).toString('hex'), vector.peerIdHex, name)
    t.equal(id0Label(Buffer.from(vector.peerIdHex, 'hex')), vector.label.toLowerCase(), name)
  }
})

test('NT-DNS-013 no label that an address gives ends in a hyphen, and each is read back', async (t) => {
  for (const address of ['::', '1::', '2001:db8::', 'fe80::1', '1:0:0:2::', '255.255.255.255']) {
    const label = addressLabel(address)
    t.notMatch(label, /-$/, label)
    t.match(parseAddressLabel(label), parseAddress(address) ?? {}, label)
  }
})

test('NT-DNS-018 a zone is a lower-case domain name that leaves room for the names below it', async (t) => {
  t.equal(parseZone('Nt.Example.'), 'nt.example')
  for (const text of [
    '',
    '.',
    'a..b',
    '-a.example',
    'a-.example',
    'a_b.example',
    `${'a.'.repeat(90)}b`,
  ]) {
    t.equal(parseZone(text), undefined, JSON.stringify(text))
  }
})

test('NT-DNS-011 NT-DNS-015 what holds separators of its own is no label', async (t) => {
  for (const label of [
    'ip41.2.3.4',
    'ip4127.0-0-1',
    'ip6::1',
    'ip61:2-3-4-5-6-7-8',
    'ip6--1.2.3.4',
  ]) {
    t.equal(parseAddressLabel(label), undefined, label)
  }
})
