export { ClicklakeError, isClicklakeError, type ErrorOptionsOf } from './clicklake-error.ts';
