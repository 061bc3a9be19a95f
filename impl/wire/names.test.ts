// The vectors were made with the codec of 2018; a vector's number and requirement are the test's name.
import { test } from 'tap'
import { parseAddress } from './addresses.ts'
import { addressLabel, id0Label, parseAddressLabel, parseId0Label, parseZone } from './names.ts'
import addressVectors from '../../conformance/vectors/ip_label.json' with { type: 'json' }
import id0Vectors from '../../conformance/vectors/id0_label.json' with { type: 'json' }

const [decoding, encoding] = addressVectors.testGroups

test('ip_label: every label of the vectors stands for its address or for none', async (t) => {
  for (const vector of decoding?.tests ?? []) {
    const parsed = parseAddressLabel(vector.label ?? '')
    const name = `ip_label ${vector.tcId} ${vector.req} ${vector.label} ${vector.comment}`
    if (vector.result === 'invalid') {
      t.equal(parsed, undefined, name)
      continue
    }
    // Written as hexadecimal groups or as dotted decimal, it is the same address.
    const wanted = vector.ip === '::ffff:1.2.3.4' ? '::ffff:102:304' : vector.ip
    t.match(parsed, { family: 'family' in vector ? vector.family : 0, address: wanted }, name)
  }
})

test('ip_label: every address of the vectors is written as its label or refused', async (t) => {
  for (const vector of encoding?.tests ?? []) {
    const name = `ip_label ${vector.tcId} ${vector.req} ${vector.ip} ${vector.comment}`
    if (vector.result === 'invalid') t.throws(() => addressLabel(vector.ip ?? ''), RangeError, name)
    else t.equal(addressLabel(vector.ip ?? ''), vector.label, name)
  }
})

test('id0_label: every label of the vectors stands for its peer id or for none', async (t) => {
  for (const vector of id0Vectors.testGroups.flatMap((group) => group.tests)) {
    const name = `id0_label ${vector.tcId} ${vector.req} ${vector.comment}`
    const parsed = parseId0Label(vector.label)
    if (vector.result === 'invalid') {
      t.equal(parsed, undefined, name)
      continue
    }
    if (vector.peerIdHex === undefined) {
      t.type(parsed, Uint8Array, name)
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
