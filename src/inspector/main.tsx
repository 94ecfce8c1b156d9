import './take-link-from-address.ts';
import { render } from 'preact';
import { App } from './app.tsx';

const root = document.querySelector('#inspector');
if (root) render(<App />, root);
