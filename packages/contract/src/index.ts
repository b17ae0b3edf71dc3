// Public surface; see README.md.
export {};
