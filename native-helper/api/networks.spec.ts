import { expect, it } from 'vitest';
import { parsePublishedPort } from './networks.ts';

it.each([
  '0:80',
  '80:0',
  '65536:80',
  '80:65536',
  '-1:80',
  '8000-8010:80',
  '8080',
  '8080:',
  ':8080:80',
  '8080:80/sctp',
  '8080:80/tcp/udp',
  '256.0.0.1:8080:80',
  '127.1:8080:80',
  '127.0.0.1:8080:80\n',
  ' 8080:80',
  '8080:80; drop',
  '0x50:80',
  '1e3:80',
  '٨٠:80',
  '[::1]:8080:80',
  'localhost:8080:80',
])('%j is no published port', (text) => {
  expect(parsePublishedPort(text)).toBeUndefined();
});

it.each([
  ['1:65535', '127.0.0.1', 1, 65_535, 'tcp'],
  ['0.0.0.0:65535:1/udp', '0.0.0.0', 65_535, 1, 'udp'],
] as const)('%s is one', (text, address, hostPort, jobPort, protocol) => {
  expect(parsePublishedPort(text)).toEqual({ address, hostPort, jobPort, protocol });
});
