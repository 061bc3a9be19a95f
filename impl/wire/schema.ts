/**
 * The messages in proto2, as the servers and clients of 2018 speak them.
 *
 * Two things differ from the published text without a difference on the wire:
 * - a message inside another that a signature covers is declared as `bytes`, so that we check and forward the
 *   bytes that came and not our own encoding of them (NT-CLIENT-006, NT-ISSUE-017);
 * - enumerations are `uint32`, so that a number which we do not know reaches us as a number instead of
 *   failing the request (NT-WIRE-011) or vanishing.
 */
export const SCHEMA = `
syntax = "proto2";

message Address {
  required uint32 type = 1;         // AddressType: IPv4 = 1, IPv6 = 2
  required string address = 2;
}

message Proof {
  required bytes id = 1;            // multihash of the peer that the proof is about
  required int64 timestamp = 2;     // milliseconds since 1970
  repeated Address addrs = 3;
}

message ProofWrapper {
  required bytes proof = 1;         // a Proof
  required bytes signature = 2;     // over the bytes of the Proof
}

message ProofServer {
  required bytes id = 1;
  repeated bytes addrs = 2;         // binary multiaddrs
  required string display = 3;
}

message ProofResponse {
  required uint32 error = 1;        // Error
  optional bytes proof = 2;         // a ProofWrapper
}

message IssueInfo {
  required string domain = 1;
  repeated ProofServer proofs = 2;
}

message IssueRequest {
  repeated bytes proofs = 1;        // ProofWrappers
  repeated uint32 supportedCryptos = 2;
  optional bytes csr = 16;          // PKCS#10 in DER: ours, servers of 2018 skip it
}

message IssueResponse {
  required uint32 error = 1;        // Error
  optional bytes cert = 2;          // PEM
  optional bytes chain = 3;         // PEM, cert and ca
  optional bytes ca = 4;            // PEM
  optional bytes key = 5;           // PEM, empty when the request carried a csr
  optional string cn = 6;           // the id0 name
  repeated string altnames = 7;     // the address names
  optional int64 validity = 8;      // notAfter of the certificate, milliseconds since 1970
  optional bool fromCache = 9;
  optional uint32 cryptoType = 10;  // Crypto: RSA = 1, ECDSA P-256 = 2
}

message RenewalRequest {
  required string serial = 1;       // of the certificate: hexadecimal, lower case, whole bytes
}

message RenewalResponse {
  required uint32 error = 1;        // Error
  optional int64 renewAt = 2;       // milliseconds since 1970; absent when nothing is known
  optional int64 askAfter = 3;      // milliseconds from now in which nothing new will be known
}

message DNS01Request {
  required string fqdn = 1;         // the name itself; the server puts _acme-challenge. before it
  required string value = 2;
}

message DNS01Response {
  required uint32 error = 1;        // Error
}

message Announce {
  repeated bytes addr = 1;          // binary multiaddrs
}
`
