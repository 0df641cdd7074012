// check.js - a program that a JavaScript engine compiles: loops, objects of changing shape, closures, typed arrays, BigInt,
// regular expressions, exceptions, code made at run time. Prints one line, which is the same everywhere.
'use strict';
function primes(n) {
    const sieve = new Uint8Array(n + 1);
    let count = 0;
    for (let i = 2; i <= n; i++) {
        if (sieve[i] === 0) {
            count++;
            for (let j = i * i; j <= n; j += i) sieve[j] = 1;
        }
    }
    return count;
}
class Shape { constructor(a) { this.a = a; } area() { return this.a * this.a; } }
class Circle extends Shape { area() { return 3 * this.a * this.a; } }
class Box extends Shape { constructor(a, b) { super(a); this.b = b; } area() { return this.a * this.b; } }
function shapes(n) {
    let sum = 0;
    for (let i = 0; i < n; i++) {
        const s = i % 3 === 0 ? new Shape(i) : i % 3 === 1 ? new Circle(i) : new Box(i, i + 1);
        sum = (sum + s.area()) % 1000003;
    }
    return sum;
}
function floats(n) {
    const a = new Float64Array(n);
    for (let i = 0; i < n; i++) a[i] = Math.sqrt(i) * 1.5 - i / 7;
    let s = 0;
    for (let k = 0; k < 20; k++) for (let i = 1; i < n; i++) s += a[i] * a[i - 1] - a[i] / (k + 1);
    return s.toFixed(3);
}
function generated(n) {
    let sum = 0;
    for (let i = 0; i < n; i++) {
        const f = new Function('x', `let t = ${i}; for (let j = 0; j < 200; j++) t = (t * 31 + x + j) | 0; return t;`);
        for (let k = 0; k < 20; k++) sum = (sum + f(k)) | 0;
    }
    return sum;
}
function throwing(n) {
    let caught = 0;
    for (let i = 0; i < n; i++) {
        try { if (i % 5 === 0) throw new Error('x' + i); caught += 1; } catch (e) { caught += e.message.length; }
    }
    return caught;
}
function big(n) { let f = 1n; for (let i = 1n; i <= BigInt(n); i++) f *= i; return f.toString().length + ':' + (f % 1000000007n); }
function text(n) {
    const words = [];
    for (let i = 0; i < n; i++) words.push((i * 7919 % 1009).toString(36));
    const counts = new Map();
    for (const w of words) counts.set(w, (counts.get(w) || 0) + 1);
    const matched = words.join(' ').match(/[a-f]+\d/g).length;
    return [...counts.entries()].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0].join('*') + '/' + matched +
        '/' + JSON.stringify(JSON.parse(JSON.stringify(words))).length;
}
console.log([primes(200000), shapes(300000), floats(2000), generated(150), throwing(20000), big(400), text(20000)].join(' '));
