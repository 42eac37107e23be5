//! Calls of exports whose prototypes are known at run time.
#![allow(unsafe_code, reason = "declares that a boxed argument is one")]

use callbox::{Argument, ArgumentForm, CType, Callback, NumberKind};

use crate::fault::{Fault, Result};
use crate::value::Answer;

/// An argument whose type is known at run time.
pub(crate) struct Arg<'v>(pub(crate) Box<dyn Argument + 'v>);

// SAFETY: it is what it contains.
unsafe impl Argument for Arg<'_> {
    fn form(&mut self) -> ArgumentForm {
        self.0.form()
    }

    fn type_name(&self) -> &'static str {
        self.0.type_name()
    }
}

/// Calls an export with arguments of a number that is known at run time.
pub(crate) fn call_by(callback: &Callback, args: Vec<Arg<'_>>) -> Result<Answer> {
    let mut args = args.into_iter();
    let missing = || Fault::new("an argument is missing");
    macro_rules! by_count {
        ($($count:literal ($($arg:ident)*);)*) => {
            match args.len() {
                $(
                    $count => {
                        $(let Some($arg) = args.next() else { return Err(missing()) };)*
                        by_result(callback, ($($arg,)*))
                    }
                )*
                _ => Err(Fault::new("there are too many arguments")),
            }
        };
    }
    by_count! {
        0 ();
        1 (a);
        2 (a b);
        3 (a b c);
        4 (a b c d);
        5 (a b c d e);
        6 (a b c d e f);
        7 (a b c d e f g);
        8 (a b c d e f g h);
        9 (a b c d e f g h i);
        10 (a b c d e f g h i j);
        11 (a b c d e f g h i j k);
        12 (a b c d e f g h i j k l);
    }
}

/// Calls an export, and returns its result as SQL has it. One that is not a number (NaN) is NULL.
fn by_result(callback: &Callback, args: impl callbox::CallArguments) -> Result<Answer> {
    let result = callback.prototype().result();
    macro_rules! integer {
        ($type:ty) => {{
            let value = callback.call::<$type>(args)?;
            i64::try_from(value).map(Answer::Integer).map_err(|_| {
                let export = callbox::escape(callback.export());
                Fault::new(format!("\"{export}\" returned {value}, which no SQL integer is"))
            })
        }};
    }
    match (result, result.kind(), result.size()) {
        (CType::Void, ..) => callback.call::<()>(args).map(|()| Answer::Null).map_err(Fault::from),
        (CType::Bool, ..) => Ok(Answer::Integer(callback.call::<bool>(args)?.into())),
        (_, Some(NumberKind::Float), Some(4)) => Ok(Answer::Real(callback.call::<f32>(args)?.into())),
        (_, Some(NumberKind::Float), _) => Ok(Answer::Real(callback.call::<f64>(args)?)),
        (_, Some(NumberKind::Signed), Some(1)) => integer!(i8),
        (_, Some(NumberKind::Signed), Some(2)) => integer!(i16),
        (_, Some(NumberKind::Signed), Some(4)) => integer!(i32),
        (_, Some(NumberKind::Signed), _) => integer!(i64),
        (_, _, Some(1)) => integer!(u8),
        (_, _, Some(2)) => integer!(u16),
        (_, _, Some(4)) => integer!(u32),
        _ => integer!(u64),
    }
}
