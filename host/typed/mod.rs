//! Calls of a guest's export from Rust, with Rust's types.
#![allow(unsafe_code, reason = "passes arguments as C would")]

mod argument;

use std::any::type_name;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::slice;

use smallvec::SmallVec;

pub use argument::{Argument, ArgumentForm, CallArguments};

use crate::callback::Callback;
use crate::callback::lowering::{Lowering, Object, Param, Pointee};
use crate::ctype::CType;
use crate::error::{CallError, Error, Result};
use crate::prototype::CValue;
use crate::registry::{Access, Entry};
use crate::trampoline;

impl Callback {
    /// Calls the export from Rust, as C would by its prototype: with the same copies, checks and limits, and
    /// a budget of its own. The failure is returned; none is recorded, and a
    /// [fallback](Callback::fallback) is not used.
    ///
    /// A comparator of any shape takes references to its two elements, or two slices of bytes if its
    /// prototype points to `void`, and answers -1, 0 or 1.
    ///
    /// ```
    /// use callbox::{Limits, Module, Sandbox};
    /// # fn main() -> callbox::Result<()> {
    /// let wat = r#"(module (memory (export "memory") 1)
    ///     (func (export "scale") (param $values i32) (param $n i32) (param $by f64) (result f64)
    ///         (f64.store (local.get $values)
    ///             (f64.mul (f64.load (local.get $values)) (local.get $by)))
    ///         (f64.load (local.get $values))))"#;
    /// let guest = Module::from_text(&Sandbox::new(Limits::default())?, "scale", wat)?.instantiate()?;
    /// let scale = guest.callback("scale", "double (double values[n], int n, double by)".parse()?)?;
    ///
    /// let mut values = [1.5, 2.0];
    /// let first: f64 = scale.call((&mut values[..], 2, 10.0))?;
    /// assert_eq!((first, values), (15.0, [15.0, 2.0]));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallError::Types`] if the prototype takes other arguments, or has another result, than these types,
    /// or a slice is shorter than its count says; [`Error::Call`], [`Error::Trap`], [`Error::Limit`],
    /// [`Error::Panic`] and [`Error::Reentrant`] from the call. Memory is unchanged on an error.
    pub fn call<R: CValue>(&self, args: impl CallArguments) -> Result<R> {
        let result = self.prototype().result();
        if !R::CLASS.is_of(result) {
            return Err(self.misuse(format!("its result is {result}, which {} is not", type_name::<R>())));
        }
        let mut value = MaybeUninit::<R>::zeroed();
        let buffer = value.as_mut_ptr().cast();
        // SAFETY: the buffer is of the result's type.
        args.with(|args| unsafe { self.call_with(args, buffer, size_of::<R>()) })?;
        // SAFETY: the call has written a value of the class of `R`; padding needs none.
        Ok(unsafe { value.assume_init() })
    }

    /// # Safety
    ///
    /// `result` is a buffer of `size` bytes for the prototype's result.
    unsafe fn call_with(
        &self,
        args: &mut [&mut dyn Argument],
        result: *mut c_void,
        size: usize,
    ) -> Result<()> {
        let params = self.prototype().params();
        if args.len() != params.len() {
            let (found, expected) = (args.len(), params.len());
            return Err(self.misuse(format!("it takes {expected} arguments, and {found} are passed")));
        }
        let forms: SmallVec<[ArgumentForm; 8]> = args.iter_mut().map(|arg| arg.form()).collect();
        let entry = Entry::new(self.clone(), Access::Values { budget: None });
        let lowering = match self.function() {
            Some((_, lowering)) if self.shape().is_none() => lowering,
            _ => {
                let [a, b] = self.elements(&forms, args)?;
                let order = trampoline::call_compare(&entry, a, b)?;
                // SAFETY: the result of a comparator is an int.
                unsafe { result.cast::<c_int>().write(order as c_int) };
                return Ok(());
            }
        };
        for (at, (form, param)) in forms.iter().zip(&lowering.params).enumerate() {
            self.check_argument(lowering, &forms, form, param, at, args[at].type_name())?;
        }
        // A pointer to each argument, as libffi has it.
        let words: SmallVec<[*const c_void; 8]> = forms.iter().map(ArgumentForm::word).collect();
        let pointers = forms.iter().zip(&words).map(|(form, word)| match form {
            ArgumentForm::Value { at, .. } => *at,
            _ => ptr::from_ref(word).cast(),
        });
        let pointers: SmallVec<[*const c_void; 8]> = pointers.collect();
        // SAFETY: each argument has been checked to be what the prototype says, and its memory to hold as
        // many elements. `args` borrows it until after the call.
        unsafe { trampoline::call_values(&entry, pointers.as_ptr(), result, size) }
    }

    /// `Err` unless a value of this form is what the prototype has at index `at`.
    fn check_argument(
        &self,
        lowering: &Lowering,
        forms: &[ArgumentForm],
        form: &ArgumentForm,
        param: &Param,
        at: usize,
        found: &str,
    ) -> Result<()> {
        let ctype = &self.prototype().params()[at];
        let fits = match (form, param) {
            (ArgumentForm::Value { class, .. }, Param::Number(..)) => class.is_of(ctype),
            (ArgumentForm::Value { class, .. }, Param::Struct(object)) => {
                class.is_of(ctype) && is_followed_nowhere(object)
            }
            (ArgumentForm::Text { .. }, Param::Pointer(Pointee::Text)) => true,
            (ArgumentForm::Token { writable, .. }, Param::Pointer(Pointee::Token { readonly, .. })) => {
                *writable || *readonly
            }
            (ArgumentForm::Memory { class, size, writable, .. }, Param::Pointer(target)) => {
                let (object, readonly, needed) = match target {
                    Pointee::Object { object, readonly } => (object, *readonly, 1),
                    Pointee::Counted { element, readonly, count } => {
                        (element, *readonly, self.count(lowering, forms, *count))
                    }
                    Pointee::Token { .. } | Pointee::Text => return Err(self.unfit(at, found)),
                };
                if !class.is_pointee_of(ctype) || !is_followed_nowhere(object) || !(*writable || readonly) {
                    return Err(self.unfit(at, found));
                }
                // Whatever the classes say, no byte is read or written beyond those that there are.
                if needed.saturating_mul(object.size as i128) > *size as i128 {
                    let text = format!(
                        "argument {} holds {size} bytes, and has to hold {needed} times {}",
                        at + 1,
                        object.size
                    );
                    return Err(self.misuse(text));
                }
                true
            }
            _ => false,
        };
        if fits { Ok(()) } else { Err(self.unfit(at, found)) }
    }

    /// Returns the number that an argument holds. One that holds none is refused itself.
    fn count(&self, lowering: &Lowering, forms: &[ArgumentForm], at: usize) -> i128 {
        match (&lowering.params[at], forms[at]) {
            (Param::Number(number, _), ArgumentForm::Value { class, at: from })
                if class.is_of(&self.prototype().params()[at]) =>
            {
                let mut bytes = [0; 8];
                // SAFETY: a value of the class has the number's size.
                unsafe { ptr::copy_nonoverlapping(from.cast(), bytes.as_mut_ptr(), number.size()) };
                number.integer(bytes)
            }
            _ => i128::MAX,
        }
    }

    /// Returns the two elements that the arguments of a comparator lead to.
    fn elements<'a>(&self, forms: &'a [ArgumentForm], args: &[&mut dyn Argument]) -> Result<[&'a [u8]; 2]> {
        let mut elements = [&[][..]; 2];
        for (at, element) in elements.iter_mut().enumerate() {
            *element = match (&forms[at], &self.prototype().params()[at]) {
                (
                    ArgumentForm::Memory { class, size, at: from, .. },
                    ctype @ CType::Pointer { pointee, .. },
                ) if class.is_pointee_of(ctype) || class.is_byte() && pointee.size().is_none() => {
                    // Elements of no known size are as long as their slices.
                    let len = pointee.size().unwrap_or(*size).min(*size);
                    // SAFETY: the argument holds so many bytes.
                    unsafe { slice::from_raw_parts(from.cast::<u8>(), len) }
                }
                _ => return Err(self.unfit(at, args[at].type_name())),
            };
            self.accepts(element.len(), None)?;
        }
        Ok(elements)
    }

    /// Returns the error for an argument of another type.
    fn unfit(&self, at: usize, found: &str) -> Error {
        self.misuse(format!("argument {} is {}, which {found} is not", at + 1, self.prototype().params()[at]))
    }

    fn misuse(&self, reason: String) -> Error {
        let (export, prototype) = (self.export().to_owned(), self.prototype().to_string());
        CallError::Types { export, prototype, reason }.into()
    }
}

/// Returns whether all pointers in an object are tokens, so that they may lead anywhere.
fn is_followed_nowhere(object: &Object) -> bool {
    object.pointer_fields.iter().all(|(_, target)| matches!(target, Pointee::Token { .. }))
}
