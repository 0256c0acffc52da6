// zod tries whether it may make functions of text. A page whose content security policy forbids it would report a violation,
// though nothing comes of it. This must be evaluated before any schema is made: entries import it first.
import { config } from 'zod';

config({ jitless: true });
