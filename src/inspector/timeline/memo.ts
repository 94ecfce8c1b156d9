import { Component, type ComponentChild, type FunctionComponent } from 'preact';

/** A component that is rendered again only when one of its properties is another one. */
export function memo<Properties extends object>(
	render: (properties: Properties) => ComponentChild,
): FunctionComponent<Properties> {
	class Memo extends Component<Properties> {
		override shouldComponentUpdate(next: Properties): boolean {
			const names = Object.keys(next) as (keyof Properties)[];
			return names.some((name) => next[name] !== this.props[name]);
		}
		override render(): ComponentChild {
			return render(this.props);
		}
	}
	return Memo as unknown as FunctionComponent<Properties>;
}
